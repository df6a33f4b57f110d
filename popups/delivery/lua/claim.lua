-- Show a popup, if nothing has changed since that was decided: write the state, count, append the event.
-- KEYS: state, total, stream.
-- ARGV: prefix of a state, revision, popup, user, claim, from (ms), until (ms), cap in total (0: none), longest stream.
-- Returns {'shown', now (ms)}, or why not: {'changed', entry} the state is another one, {'early', now} by this clock,
-- {'uncounted'} the total is not known, {'spent'} the cap is reached, {'full'} the stream is.
local entry = redis.call('GET', KEYS[1])
local prefix = ARGV[1]
if not entry or string.sub(entry, 1, #prefix) ~= prefix then
  return {'changed', entry or ''}
end
local state = cmsgpack.unpack(string.sub(entry, #prefix + 1))
if state[2] ~= ARGV[2] then
  return {'changed', entry}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < tonumber(ARGV[6]) or now >= tonumber(ARGV[7]) then
  return {'early', now}
end
local total = redis.call('GET', KEYS[2])
if not total or string.sub(total, 1, 1) ~= 'V' then
  return {'uncounted'}
end
total = tonumber(string.sub(total, 2))
local cap = tonumber(ARGV[8])
if cap > 0 and total >= cap then
  return {'spent'}
end
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[9]) then
  return {'full'}
end
local row
for _, each in ipairs(state[3]) do
  if each[1] == ARGV[3] then
    row = each
  end
end
if not row then
  row = {ARGV[3], 0, 0, '', 0, 0}
  state[3][#state[3] + 1] = row
end
-- The first write: where it is refused for lack of memory, nothing has happened.
local id = redis.call('XADD', KEYS[3], '*', 'type', 'shown', 'user', ARGV[4], 'popup', ARGV[3], 'claim', ARGV[5],
  'at', string.format('%.0f', now), 'last', '1')
row[2], row[3], row[4] = row[2] + 1, now, ARGV[5]
state[1], state[2] = state[1] + 1, id
-- Without a life: it must not be evicted before the database knows what it says.
redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(state))
redis.call('SET', KEYS[2], string.format('V%.0f', total + 1), 'KEEPTTL')
return {'shown', now}
