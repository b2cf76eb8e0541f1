-- Counts the places of a cap whose leases have not run out. KEYS: the cap.
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
