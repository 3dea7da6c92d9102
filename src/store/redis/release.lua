local fence, channel = ARGV[1], ARGV[2]
if is_current(fence) then
  redis.call('PUBLISH', channel, '')
  -- Its name stays, so that it is not granted again to one who asked twice.
  redis.call('HDEL', key, 'until', 'term')
end
return 0
