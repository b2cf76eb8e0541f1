-- Takes the places of leases that ran out from a cap that is full; returns how many are left.
-- `KEYS` of caps are sorted sets: a member per place, scored by the end of its lease in microseconds.
local function prune(key, lease)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  -- After the clock stepped back, no lease may last longer than one that was renewed just now.
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%.0f', now + lease), '+inf')) do
    redis.call('ZADD', key, now + lease, member)
  end
  return redis.call('ZCARD', key)
end
