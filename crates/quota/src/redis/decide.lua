-- Decides one request per key, in order, exactly as `Gcra::decide` does.
--
-- KEYS: a state per request; equal ones are decided one after the other.
-- ARGV: four per rate, in the order of its requests among the keys: interval and tolerance in nanoseconds, how long to
-- keep a state in milliseconds, as long as the furthest one is ahead, and how many keys are of this rate. Told once per rate and
-- not per request, because most requests of a call are of one rate and reading numbers is much of the script's time.
-- Replies, per request: 0 if it is allowed, else the nanoseconds after which to ask again.
--
-- A state is the theoretical arrival time in nanoseconds since 1970, in decimal digits; a key rests when it has none.
-- Such a number has 61 bits and a double 53, so that the last three digits are read and written apart. How far it is
-- ahead of now fits: at most tolerance + interval + a second, which the caller keeps below 2^53 ns.
-- `%d` writes a C long: 64 bits wherever Redis runs but on Windows, and a third of the time of `%.0f`.
local most_late = 1000000000
local floor, sub, format = math.floor, string.sub, string.format
local states = #KEYS > 1 and redis.call('MGET', unpack(KEYS)) or {redis.call('GET', KEYS[1])}
local ahead_by_key, keep_by_key, answers = {}, {}, {}
local i = 0
for rate = 1, #ARGV - 3, 4 do
  local interval, tolerance, keep = tonumber(ARGV[rate]), tonumber(ARGV[rate + 1]), ARGV[rate + 2]
  local furthest = tolerance + interval + most_late
  for _ = 1, ARGV[rate + 3] do
    i = i + 1
    local key = KEYS[i]
    local ahead = ahead_by_key[key]
    if not ahead then
      local state = states[i]
      ahead = state and (sub(state, 1, -4) - now) * 1000 + sub(state, -3) or 0
      if ahead < 0 then
        ahead = 0
      elseif ahead > furthest then
        -- The clock stepped back: no sequence of permits leads so far ahead.
        ahead = furthest
        keep_by_key[key] = keep
      end
    end
    if ahead > tolerance then
      answers[i] = ahead - tolerance
    else
      ahead = ahead + interval
      keep_by_key[key] = keep
      answers[i] = 0
    end
    ahead_by_key[key] = ahead
  end
end
for key, keep in pairs(keep_by_key) do
  local ahead = ahead_by_key[key]
  redis.call('PSETEX', key, keep, format('%d%03d', now + floor(ahead / 1000), ahead % 1000))
end
return answers
