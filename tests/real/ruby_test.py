# SPDX-License-Identifier: MIT
"""Ruby: objects and strings, threads, fibers, forks, compaction, bignums."""
import support

WORK = r"""
require 'digest'; require 'json'; require 'zlib'; require 'set'; require 'open3'

def show(name, value) = puts("#{name} #{Digest::MD5.hexdigest(Marshal.dump(value))}")

numbers = Random.new(7)
words = Hash.new { |hash, key| hash[key] = [] }
60_000.times { |i| words["key#{numbers.rand(5000)}"] << "v" * numbers.rand(80) + i.to_s }
show 'hash', words.sort.to_a
show 'json', JSON.parse(JSON.generate(words.sort.to_h))
show 'regexp', words.keys.sort.join(',').gsub(/(\d)(\d)/) { "#{$2}#{$1}" }.scan(/key\d{4}/)
words = nil

queue, results = SizedQueue.new(20), Queue.new
consumers = 4.times.map { Thread.new { while (item = queue.pop) != :end do results << Zlib.crc32(item) end } }
2000.times { |i| queue << ("item#{i}" * (1 + i % 100)) }
consumers.each { queue << :end }
consumers.each(&:join)
show 'queue', Array.new(results.size) { results.pop }.sort
300.times.each_slice(10) { |slice| slice.map { |i| Thread.new { "t" * i * 1000 } }.each(&:join) }

fibers = 500.times.map { |i| Fiber.new { 5.times { |n| Fiber.yield "#{i}:#{n}" }; nil } }
show 'fibers', 5.times.map { fibers.map(&:resume) }

text = ''
20_000.times { |i| text << (33 + i % 90).chr * (i % 50) }
show 'text', [text, text.encode('UTF-16LE').bytesize, Zlib::Inflate.inflate(Zlib::Deflate.deflate(text))]
show 'number', [3**20_000, (1..1500).inject(:*), 2.pow(10**6, 10**50 + 7)]
show 'set', 50_000.times.map { |i| i * 31 % 1009 }.to_set.sort

GC.start; GC.compact if GC.respond_to?(:compact)
keep = 200_000.times.map { |i| i % 3 == 0 ? "s#{i}" : [i] }
keep.select!.with_index { |_, i| i % 5 == 0 }
GC.start
show 'kept', keep

children = 12.times.map do |n|
  reader, writer = IO.pipe
  pid = fork { reader.close; writer.write Digest::MD5.hexdigest(keep.map(&:to_s).join * (1 + n)); writer.close; exit!(0) }
  writer.close
  [pid, reader]
end
children.each { |pid, reader| puts reader.read; Process.wait(pid); raise unless $?.success? }
puts Open3.capture2('tr a-z A-Z', stdin_data: 'child').first
ractor = begin; $VERBOSE = nil; Ractor.new { 1000.times.map(&:to_s).join.size }.take; end
puts ractor
"""


def scenario(stage):
    stage.write("work.rb", WORK)
    stage.check_maps_printed_by(["ruby", "-e", "puts File.read('/proc/self/maps')"])

    return {"output": stage.command(["ruby", "-W0", "work.rb"])}


if __name__ == "__main__":
    support.main(scenario, {"ruby": "ruby"})
