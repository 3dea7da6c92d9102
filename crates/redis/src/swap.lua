-- A stored value begins with its version, 32 digits. `expected` is empty if there must be no value.
local expected, new, bytes, kept, replicas = unpack(ARGV)
local stored = redis.call('GET', KEYS[1])
local found = ''
if stored then
  found = string.sub(stored, 1, 32)
  -- Too short for a version: `load` reports it as damaged.
  if #found < 32 then return 0 end
end
if found == new then
  -- WAIT covers only writes of this connection, and another connection may have made the first one.
  if replicas ~= '0' then redis.call('SET', KEYS[1], stored, 'PX', kept) end
  return 1
end
if found ~= expected then return 0 end
-- PUBLISH comes first, because the server may reject it and does not undo earlier commands.
redis.call('PUBLISH', KEYS[1] .. ':changed', new)
redis.call('SET', KEYS[1], new .. ':' .. bytes, 'PX', kept)
return 1
