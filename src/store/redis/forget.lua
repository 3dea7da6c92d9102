local id, channel = ARGV[1], ARGV[2]
if redis.call('HGET', key, 'id') == id then
  redis.call('PUBLISH', channel, '')
  redis.call('HDEL', key, 'session', 'id', 'used')
end
return 0
