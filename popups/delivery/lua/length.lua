-- Return the number of events of a shard, sealed or not.
-- KEYS: stream, sealed stream.
local length = redis.pcall('XLEN', KEYS[1])
return (type(length) == 'table' and 0 or length) + redis.call('XLEN', KEYS[2])
