-- KEYS[1] is the hash of an account. What is there and has another form is left as it is: to begin anew would be to
-- forget how many logins have failed.
local key = KEYS[1]
local kind = redis.call('TYPE', key).ok
if kind ~= 'none' and (kind ~= 'hash' or redis.call('HGET', key, 'version') ~= '1') then
  return redis.error_reply('FOREIGN the key holds something else')
end
-- Whether the lease with this fence is the latest, and was not released.
local function is_current(fence)
  local state = redis.call('HMGET', key, 'fence', 'term')
  return state[1] == fence and state[2] ~= false
end
-- For how many microseconds the right to log in is still taken, by the clock of this server. With more left than was
-- granted the clock was set back, and that must not keep everybody out for as long again.
local function left(now)
  local state = redis.call('HMGET', key, 'until', 'term')
  local left, term = (tonumber(state[1]) or 0) - now, (tonumber(state[2]) or 0) + 1000000
  if left > term then return 0 end
  return math.max(left, 0)
end
local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
