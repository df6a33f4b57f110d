-- Note what a user did with a popup: in the state, and as an event.
-- KEYS: state, stream.  ARGV: prefix of a state, popup, user, claim, type, longest stream.
-- Returns 'done', 'again' (it was noted before), 'unloaded' (there is no state), 'full' (the stream is).
-- Claims begin with their time: one that is older than the last showing's moves no cooldown, and it is for the table to
-- tell whether it was recorded before.
local entry = redis.call('GET', KEYS[1])
local prefix = ARGV[1]
if not entry or string.sub(entry, 1, #prefix) ~= prefix then
  return 'unloaded'
end
local state = cmsgpack.unpack(string.sub(entry, #prefix + 1))
local place = ARGV[5] == 'click' and 5 or 6
local row
for _, each in ipairs(state[3]) do
  if each[1] == ARGV[2] then
    row = each
  end
end
if row and row[4] == ARGV[4] and row[place] > 0 and row[place] >= row[3] then
  return 'again'
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[6]) then
  return 'full'
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = not row or ARGV[4] >= row[4]
local id = redis.call('XADD', KEYS[2], '*', 'type', ARGV[5], 'user', ARGV[3], 'popup', ARGV[2], 'claim', ARGV[4],
  'at', string.format('%.0f', now), 'last', last and '1' or '0')
if last then
  if not row then
    -- The showing was lost with an earlier Redis.
    row = {ARGV[2], 0, 0, '', 0, 0}
    state[3][#state[3] + 1] = row
  end
  row[4] = ARGV[4]
  row[place] = math.max(now, row[3])
end
state[1], state[2] = state[1] + 1, id
redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(state))
return 'done'
