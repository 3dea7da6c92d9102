-- Whose the lease is, for how many microseconds, for how many milliseconds all of it is kept.
local holder, term, kept = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HMGET', key, 'fence', 'holder', 'term')
local now = microseconds()
local ends = string.format('%.0f', now + tonumber(term))
-- Asked twice, because the answer was lost: it is the same lease, from now on.
if state[2] == holder then
  -- And over: what was sent first comes last.
  if not state[3] then return false end
  redis.call('HSET', key, 'term', term, 'until', ends)
  redis.call('PEXPIRE', key, kept)
  return { state[1], redis.call('HGETALL', key) }
end
if left(now) > 0 then return false end
-- The clock is in it, so that a server that has lost its data does not grant a fence for the second time.
local fence = math.max(now, (tonumber(state[1]) or 0) + 1)
if fence >= 9007199254740991 then return redis.error_reply('FOREIGN the fence cannot grow') end
fence = string.format('%.0f', fence)
-- The commits of each lease are numbered anew.
redis.call('HSET', key, 'version', '1', 'written', '0', 'fence', fence, 'holder', holder, 'term', term, 'until', ends)
redis.call('PEXPIRE', key, kept)
return { fence, redis.call('HGETALL', key) }
