-- Takes one place per key, or none.
--
-- KEYS: the cap of each claim; equal ones ask for several places.
-- ARGV: length of a lease in microseconds, the permit's token, then per claim how many its cap admits at once.
-- Replies 0, or the position of the first claim that found no place.
local lease, token = tonumber(ARGV[1]), ARGV[2]
local live = {}
for i, key in ipairs(KEYS) do
  local at_most = tonumber(ARGV[i + 2])
  local count = live[key] or redis.call('ZCARD', key)
  if count >= at_most then
    -- What this very step asks for is not in the set yet.
    local asked = live[key] and live[key] - redis.call('ZCARD', key) or 0
    count = prune(key, lease) + asked
    if count >= at_most then
      return i
    end
  end
  live[key] = count + 1
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + lease, token .. ':' .. i)
  redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1)
end
return 0
