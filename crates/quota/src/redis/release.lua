-- Gives places back. KEYS: their caps. ARGV: per place its member. Replies how many were still held.
local n_held = 0
for i, key in ipairs(KEYS) do
  n_held = n_held + redis.call('ZREM', key, ARGV[i])
end
return n_held
