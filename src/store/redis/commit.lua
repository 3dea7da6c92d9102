local fence, writer, number, kept, channel, guard = unpack(ARGV, 1, 6)
if not is_current(fence) then return 0 end
-- Commits of one writer are numbered: one that comes twice is made once, and none comes after a later one, whichever
-- way it took.
local last = redis.call('HMGET', key, 'writer', 'written')
if last[1] == writer then
  local ahead = tonumber(number) - (tonumber(last[2]) or 0)
  if ahead <= 0 then return ahead == 0 and 1 or 0 end
end
-- First, because it may be refused, and what was done before it would stand.
redis.call('PUBLISH', channel, '')
redis.call('HSET', key, 'writer', writer, 'written', number, 'guard', guard)
if ARGV[7] then
  redis.call('HSET', key, 'session', ARGV[7], 'id', ARGV[8], 'used', ARGV[9])
else
  redis.call('HDEL', key, 'session', 'id', 'used')
end
redis.call('PEXPIRE', key, kept)
return 1
