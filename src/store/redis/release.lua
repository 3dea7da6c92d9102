local fence, channel = ARGV[1], ARGV[2]
if is_current(fence) then
  redis.call('PUBLISH', channel, '')
  redis.call('HDEL', key, 'holder', 'until', 'term')
end
return 0
