-- Shared by hold, lift and change: the claims of writers on an entry.
-- A hold is 'H' followed by 29-byte claims: a 16-byte token and the 13-digit time (ms) after which its writer is surely
-- dead. Claims carry their own time so that a crashed writer cannot be kept alive by later ones that join.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The claims of living writers other than `token`, and whether `token` has one.
local function others(entry, token)
  local claims, mine = '', false
  if entry and string.sub(entry, 1, 1) == 'H' then
    for at = 2, #entry - 28, 29 do
      local claim = string.sub(entry, at, at + 28)
      if string.sub(claim, 1, 16) == token then
        mine = true
      elseif tonumber(string.sub(claim, 17)) > now then
        claims = claims .. claim
      end
    end
  end
  return claims, mine
end

