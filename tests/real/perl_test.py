# SPDX-License-Identifier: MIT
"""Perl: hashes, strings, regular expressions, interpreter threads, forks and pipes."""
import support

WORK = r"""
use strict; use warnings; use threads; use Thread::Queue; use Digest::MD5 qw(md5_hex);

my (%words, @lines);
my $seed = 1;
sub number { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $seed % $_[0] }

for my $i (1 .. 40000) {
    my $word = join '', map { chr(97 + number(6)) } 1 .. 1 + number(7);
    push @{$words{$word}}, $i;
    push @lines, "$i:$word" x (1 + number(5));
}
print "words ", scalar(keys %words), " ", md5_hex(join ',', map { "$_=@{$words{$_}}" } sort keys %words), "\n";
delete @words{grep { length > 4 } keys %words};
print "left ", scalar(keys %words), "\n";

my $text = join "\n", @lines;
(my $changed = $text) =~ s/(\d+):([a-f]+)/$2-$1/g;
print "text ", length($changed), " ", md5_hex($changed), "\n";
print "sorted ", md5_hex(join ',', sort { length $a <=> length $b || $a cmp $b } @lines), "\n";

my $long = ''; $long .= chr(33 + $_ % 90) x ($_ % 700) for 1 .. 6000;
print "long ", length $long, " ", md5_hex($long), "\n";

# Each thread clones the interpreter and all its data, and frees it at its end.
@lines = @lines[0 .. 2000]; $text = $changed = '';
my $queue = Thread::Queue->new;
my @threads = map { my $n = $_; threads->create(sub {
    $queue->enqueue(md5_hex("$n $_" x $_)) for 1 .. 150;
    return scalar(grep { /$n/ } @lines) }) } 1 .. 6;
print "thread ", $_->join, "\n" for @threads;
print "queue ", md5_hex(join ',', sort map { $queue->dequeue } 1 .. 900), "\n";

for my $n (1 .. 20) {
    my $pid = open(my $child, '-|') // die;
    if (!$pid) { print md5_hex($long x $n); exit 0 }
    print "child ", <$child>, "\n"; close $child; die if $?;
}
"""


def scenario(stage):
    stage.write("work.pl", WORK)
    stage.check_maps_printed_by(["perl", "-e", "open F, '/proc/self/maps'; print <F>"])

    return {"output": stage.command(["perl", "work.pl"])}


if __name__ == "__main__":
    support.main(scenario, {"perl": "perl"})
