-- Record a click or a dismissal: in the state, and as an event in the stream.
-- KEYS: state, stream.  ARGV: prefix of a state, popup, user, claim, type, maximum length of the stream.
-- Returns 'recorded', 'duplicate' (it was recorded before), 'state_missing', 'stream_full' or 'moved' (the shard is
-- sealed).
-- Claims begin with their time. A claim that is older than the last showing's changes no cooldown; the table then tells
-- whether the event is a duplicate.
local length = redis.pcall('XLEN', KEYS[2])
if type(length) == 'table' then
  return 'moved'
end
local entry = redis.call('GET', KEYS[1])
local prefix = ARGV[1]
if not entry or string.sub(entry, 1, #prefix) ~= prefix then
  return 'state_missing'
end
local state = cmsgpack.unpack(string.sub(entry, #prefix + 1))
local position = ARGV[5] == 'click' and 5 or 6
local history
for _, each in ipairs(state[3]) do
  if each[1] == ARGV[2] then
    history = each
  end
end
if history and history[4] == ARGV[4] and history[position] > 0 and history[position] >= history[3] then
  return 'duplicate'
end
if length >= tonumber(ARGV[6]) then
  return 'stream_full'
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_last = not history or ARGV[4] >= history[4]
local id = redis.call('XADD', KEYS[2], '*', 'type', ARGV[5], 'user', ARGV[3], 'popup', ARGV[2], 'claim', ARGV[4],
  'at', string.format('%.0f', now), 'last', is_last and '1' or '0')
if is_last then
  if not history then
    -- Redis lost its data after the showing.
    history = {ARGV[2], 0, 0, '', 0, 0}
    state[3][#state[3] + 1] = history
  end
  history[4] = ARGV[4]
  history[position] = math.max(now, history[3])
end
state[1], state[2] = state[1] + 1, id
redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(state))
return 'recorded'
