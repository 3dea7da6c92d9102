local id, used, kept = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HMGET', key, 'id', 'used')
-- Both have twenty digits.
if state[1] == id and state[2] < used then
  redis.call('HSET', key, 'used', used)
  redis.call('PEXPIRE', key, kept)
end
return 0
