-- Shared by hold, lift, change, discard and lease: the claims of writers on an entry.
-- A hold is 'H' followed by 29-byte claims: a 16-byte token and the 13-digit time (ms) from which a reader may ask the
-- database whether the writer is still at work. No writer removes another's claim, because a commit may take effect
-- after that time; a reader who has asked replaces the whole hold. So that crashed writers do not make an entry grow,
-- claims that are past become one, under a token that no writer has: one for each node of a Galera cluster, which the
-- first five characters of its writers' tokens name, beginning with 'g'.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The claims of writers other than `token`, whether `token` has one, and whether all of them are past.
local function others(entry, token)
  local claims, past, mine = '', {}, false
  if entry and string.sub(entry, 1, 1) == 'H' then
    for at = 2, #entry - 28, 29 do
      local claim = string.sub(entry, at, at + 28)
      if string.sub(claim, 1, 16) == token then
        mine = true
      elseif (tonumber(string.sub(claim, 17)) or 0) > now then
        claims = claims .. claim
      else
        local node = string.sub(claim, 1, 1) == 'g' and string.sub(claim, 1, 5) or ''
        past[node] = math.max(past[node] or 0, tonumber(string.sub(claim, 17)) or 0)
      end
    end
  end
  local living = claims ~= ''
  for node, at in pairs(past) do
    claims = claims .. node .. string.rep('+', 16 - #node) .. string.format('%013.0f', at)
  end
  return claims, mine, not living
end

