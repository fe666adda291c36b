-- The generic cell rate algorithm for several keys at once: all of them pay, or none does.
-- KEYS: one for each rule. ARGV: for each rule its interval and its window, in microseconds.
-- Returns 1 or 0 for allowed or not, then for each rule how far ahead of the clock it would be, in microseconds.
-- The clock is the server's, so that replicas of a service whose clocks differ share one budget. When it was set back,
-- by hand or by a failover, arrivals lie further ahead than a window can be: they are taken for a budget just used up.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {1}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[2 * i])
  local arrival = tonumber(redis.call('GET', key) or 0)
  if arrival - now > window + 1 then
    arrival = now + window
    redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil(window / 1000))
  end
  local ahead = math.max(arrival - now, 0) + tonumber(ARGV[2 * i - 1])
  if ahead > window then
    answer[1] = 0
  end
  answer[i + 1] = ahead
end
if answer[1] == 1 then
  for i, key in ipairs(KEYS) do
    local ahead = answer[i + 1]
    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
  end
end
return answer
