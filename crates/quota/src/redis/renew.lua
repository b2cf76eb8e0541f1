-- Renews the leases of permits. A place that is gone, because its lease ran out while its holder was paused or because
-- the server lost its data, is taken again if there is one; if not, the permit is lost and all its places go.
--
-- KEYS: the caps of all permits' places, permit after permit.
-- ARGV: length of a lease in microseconds; then per permit its token and number of places, and per place how many its
-- cap admits at once.
-- Replies, per permit: 1 if it is held, 0 if it is lost.
local lease = tonumber(ARGV[1])
local answers = {}
local first, arg = 1, 2
while ARGV[arg] do
  local token, n_places = ARGV[arg], tonumber(ARGV[arg + 1])
  local held = true
  -- All that are there, before any cap is pruned for one that is not.
  for i = 1, n_places do
    redis.call('ZADD', KEYS[first + i - 1], 'XX', now + lease, token .. ':' .. i)
  end
  for i = 1, n_places do
    local key, member = KEYS[first + i - 1], token .. ':' .. i
    if held and not redis.call('ZSCORE', key, member) then
      local at_most = tonumber(ARGV[arg + 1 + i])
      held = redis.call('ZCARD', key) < at_most or prune(key, lease) < at_most
      if held then
        redis.call('ZADD', key, now + lease, member)
      end
    end
  end
  for i = 1, n_places do
    local key = KEYS[first + i - 1]
    if held then
      redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1)
    else
      redis.call('ZREM', key, token .. ':' .. i)
    end
  end
  answers[#answers + 1] = held and 1 or 0
  first, arg = first + n_places, arg + 2 + n_places
end
return answers
