-- Claim a popup, unless something has changed since the decision: write the state, increment the total, append the event.
-- One of several shards has a limit of its own in the total, V<shown>/<limit>/<revision>/<cap>, instead of the total cap.
-- KEYS: state, total, stream.
-- ARGV: prefix of a state, revision, popup, user, claim, from (ms), until (ms), total cap (0: none), maximum length of
-- the stream.
-- Returns {'shown', now (ms)}, or a reason: {'changed', entry} the state has another revision, {'outside_window', now}
-- by the clock of Redis, {'total_missing'}, {'capped_out'} the total cap is reached, {'quota_empty', total} the limit of
-- the shard is reached or is for another cap, {'stream_full'}, {'moved'} the shard is sealed.
local length = redis.pcall('XLEN', KEYS[3])
if type(length) == 'table' then
  return {'moved'}
end
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
  return {'outside_window', now}
end
local total = redis.call('GET', KEYS[2])
if not total or string.sub(total, 1, 1) ~= 'V' then
  return {'total_missing'}
end
local shown, cap, rest = tonumber(string.sub(total, 2)), tonumber(ARGV[8]), ''
if shown then
  if cap > 0 and shown >= cap then
    return {'capped_out'}
  end
else
  local limit, revision, known
  shown, limit, revision, known = string.match(total, '^V(%d+)/(%d+)/(%d+)/(%d+)$')
  if not shown then
    return {'total_missing'}
  end
  shown = tonumber(shown)
  if cap > 0 and (shown >= tonumber(limit) or tonumber(known) ~= cap) then
    return {'quota_empty', total}
  end
  rest = string.format('/%s/%s/%.0f', limit, revision, cap)
end
if length >= tonumber(ARGV[9]) then
  return {'stream_full'}
end
local history
for _, each in ipairs(state[3]) do
  if each[1] == ARGV[3] then
    history = each
  end
end
if not history then
  history = {ARGV[3], 0, 0, '', 0, 0}
  state[3][#state[3] + 1] = history
end
-- The first write: if Redis refuses it for lack of memory, nothing has changed.
local id = redis.call('XADD', KEYS[3], '*', 'type', 'shown', 'user', ARGV[4], 'popup', ARGV[3], 'claim', ARGV[5],
  'at', string.format('%.0f', now), 'last', '1')
history[2], history[3], history[4] = history[2] + 1, now, ARGV[5]
state[1], state[2] = state[1] + 1, id
-- Without a TTL: the state must not be evicted before the database has its events.
redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(state))
redis.call('SET', KEYS[2], string.format('V%.0f', shown + 1) .. rest, 'KEEPTTL')
return {'shown', now}
