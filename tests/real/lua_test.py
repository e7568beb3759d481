# SPDX-License-Identifier: MIT
"""Lua: everything goes through realloc; tables, strings, coroutines, both collectors."""
import support

WORK = r"""
local function sum(text)
  local h = 5381
  for i = 1, #text do h = (h * 33 + text:byte(i)) & 0xffffffff end
  return ("%d bytes %08x"):format(#text, h)
end

local function round(mode)
  collectgarbage(mode)
  local seed, words = 1, {}
  for i = 1, 60000 do
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    local key = "key" .. seed % 4000
    words[key] = words[key] or {}
    table.insert(words[key], ("v"):rep(seed % 60) .. i)
  end
  local keys = {}
  for key in pairs(words) do keys[#keys + 1] = key end
  table.sort(keys)
  local parts = {}
  for i, key in ipairs(keys) do parts[i] = key .. "=" .. table.concat(words[key], ",") end
  local text = table.concat(parts, "\n")
  print(mode, sum(text), sum(text:gsub("v+(%d+)", "<%1>"):sub(1, 300000)))

  local grown = {}
  for i = 1, 300000 do grown[i] = i * 0.5 end
  for i = 1, 300000, 2 do grown[i] = nil end
  local routines = {}
  for i = 1, 3000 do
    routines[i] = coroutine.wrap(function() for n = 1, 3 do coroutine.yield(("x"):rep(n * i % 997)) end end)
  end
  local lengths = 0
  for n = 1, 3 do for i = 1, #routines do lengths = lengths + #routines[i]() end end
  print(lengths, #grown > 0, string.pack("z", ("s"):rep(100000)):len())
  local ok, message = pcall(string.rep, "x", -1 >> 1)
  print(ok, message)
  local weak = setmetatable({}, { __mode = "k", __gc = function() end })
  for i = 1, 20000 do weak[{ i }] = setmetatable({}, { __gc = function(o) o[1] = i end }) end
  collectgarbage()
  print(next(weak), #load("return '" .. ("l"):rep(200000) .. "'")())
end

round("incremental")
round("generational")
local pipe = io.popen("echo child")
print(pipe:read("a"), pipe:close())
"""


def scenario(stage):
    stage.write("work.lua", WORK)
    stage.check_maps_printed_by(["lua5.4", "-e", "print(io.open('/proc/self/maps'):read('a'))"])

    return {"output": stage.command(["lua5.4", "work.lua"])}


if __name__ == "__main__":
    support.main(scenario, {"lua5.4": "lua5.4"})
