-- Seal a shard: its stream gets another name, and a text takes its place, so that nothing can be claimed or recorded,
-- not even by a process that knows nothing of shards. Sealing again takes the seal over.
-- KEYS: stream, sealed stream.  ARGV: token of the change.
if redis.call('TYPE', KEYS[1]).ok == 'stream' then
  redis.call('RENAME', KEYS[1], KEYS[2])
end
redis.call('SET', KEYS[1], ARGV[1])
return redis.call('XLEN', KEYS[2])
