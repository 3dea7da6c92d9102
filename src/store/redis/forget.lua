local id, channel = ARGV[1], ARGV[2]
if redis.call('HGET', key, 'id') == id then
  redis.call('HDEL', key, 'session', 'id', 'used')
  redis.call('PUBLISH', channel, '')
end
return 0
