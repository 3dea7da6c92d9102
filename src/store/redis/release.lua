local fence, channel = ARGV[1], ARGV[2]
if is_current(fence) then
  redis.call('HDEL', key, 'holder', 'until', 'term')
  redis.call('PUBLISH', channel, '')
end
return 0
