-- Decides one request per key, in order, exactly as `Gcra::decide` does.
--
-- KEYS: a state per request; equal ones are decided one after the other.
-- ARGV: interval and tolerance per request, in nanoseconds, and how long to keep a state, in milliseconds: as long as the
-- furthest one is ahead. It is handed over as text because the server would have to write a number out.
-- Replies, per request: 0 if it is allowed, else the nanoseconds after which to ask again.
--
-- A state is the theoretical arrival time in nanoseconds since 1970, in decimal digits; a key rests when it has none.
-- Such a number has 61 bits and a double 53, so that the last three digits are read and written apart. How far it is
-- ahead of now fits: at most tolerance + interval + a second, which the caller keeps below 2^53 ns.
local most_late = 1000000000
local states = redis.call('MGET', unpack(KEYS))
local ahead_by_key, changed, answers = {}, {}, {}
for i, key in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local ahead = ahead_by_key[key]
  if not ahead then
    local state = states[i]
    ahead = state and (tonumber(string.sub(state, 1, -4)) - now) * 1000 + tonumber(string.sub(state, -3)) or 0
    if ahead < 0 then
      ahead = 0
    elseif ahead > tolerance + interval + most_late then
      -- The clock stepped back: no sequence of permits leads so far ahead.
      ahead = tolerance + interval + most_late
      changed[key] = ARGV[3 * i]
    end
  end
  if ahead > tolerance then
    answers[i] = ahead - tolerance
  else
    ahead = ahead + interval
    changed[key] = ARGV[3 * i]
    answers[i] = 0
  end
  ahead_by_key[key] = ahead
end
for key, keep in pairs(changed) do
  local ahead = ahead_by_key[key]
  local state = string.format('%.0f%03d', now + math.floor(ahead / 1000), ahead % 1000)
  redis.call('SET', key, state, 'PX', keep)
end
return answers
