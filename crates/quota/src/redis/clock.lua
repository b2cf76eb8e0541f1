-- The server's time in microseconds since 1970: exact in a double until the year 2255. Begins every script.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
