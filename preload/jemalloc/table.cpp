// SPDX-License-Identifier: MIT
// Every name of mallctl(3) that there is. What lunalloc does not know has none, so that nobody
// reads a number that was made up; docs/jemalloc.md says what each means here.
#include "preload/jemalloc/answers.hpp"
#include "preload/jemalloc/nodes.hpp"

namespace luna::jemalloc {

namespace {

// The interface first, for those who look for the number of a version.
constexpr char kVersion[] = "5.3.0-lunalloc-" LUNA_VERSION;
constexpr char kDisabled[] = "disabled";
constexpr char kNothing[] = "";

#ifdef NDEBUG
constexpr bool kDebug = false;
#else
constexpr bool kDebug = true;
#endif

constexpr std::size_t kPage = kPageBytes;
constexpr std::size_t kGranule = kGranuleBytes;
constexpr std::size_t kMostCached = kMaxListedBytes;
constexpr unsigned kOneArena = kArenas;
constexpr unsigned kClasses = kSizeClasses;
constexpr unsigned kCachedClasses = kLists;

constexpr auto kDecay = setting<std::int64_t, get_decay, set_decay>;
constexpr auto kMuzzyDecay = setting<std::int64_t, get_muzzy_decay, set_muzzy_decay>;
constexpr auto kArenaDecay = setting<std::int64_t, get_arena_decay, set_arena_decay>;
constexpr auto kArenaMuzzyDecay =
    setting<std::int64_t, get_arena_muzzy_decay, set_arena_muzzy_decay>;

constexpr Node kNodes[] = {
    {"version", text<kVersion>},
    {"epoch", epoch},
    {"background_thread", setting<bool, get_background, set_background>},

    {"thread.arena", setting<unsigned, get_arena_of_thread, set_arena_of_thread>},
    {"thread.idle", action<flush_thread_cache>},
    {"thread.tcache.enabled", setting<bool, get_thread_cache, set_thread_cache>},
    {"thread.tcache.flush", action<flush_thread_cache>},

    {"config.cache_oblivious", constant<false>},
    {"config.debug", constant<kDebug>},
    {"config.fill", constant<false>},
    {"config.lazy_lock", constant<false>},
    {"config.malloc_conf", text<kNothing>},
    {"config.prof", constant<true>},
    {"config.prof_libgcc", constant<false>},
    {"config.prof_libunwind", constant<false>},
    {"config.stats", constant<true>},
    {"config.utrace", constant<false>},
    {"config.xmalloc", constant<false>},

    {"opt.abort_conf", flag_option<&Options::abort_conf>},
    {"opt.background_thread", read_only<bool, get_background>},
    {"opt.confirm_conf", flag_option<&Options::confirm_conf>},
    {"opt.dirty_decay_ms", read_only<std::int64_t, get_decay>},
    {"opt.dss", text<kDisabled>},
    {"opt.lg_prof_sample", read_only<std::size_t, sample_logarithm>},
    {"opt.muzzy_decay_ms", read_only<std::int64_t, get_muzzy_decay>},
    {"opt.narenas", constant<kOneArena>},
    {"opt.percpu_arena", text<kDisabled>},
    {"opt.prof", read_only<bool, can_profile>},
    {"opt.prof_active", read_only<bool, get_active>},
    {"opt.prof_final", flag_option<&Options::profile_at_exit>},
    {"opt.prof_leak", flag_option<&Options::leak_report_at_exit>},
    {"opt.stats_print", flag_option<&Options::stats_print>},
    {"opt.tcache", constant<true>},
    {"opt.tcache_max", constant<kMostCached>},

    {"arena.#.initialized", constant<true>},
    {"arena.#.decay", action<decay>},
    {"arena.#.purge", action<purge>},
    {"arena.#.dirty_decay_ms", kArenaDecay},
    {"arena.#.muzzy_decay_ms", kArenaMuzzyDecay},

    {"arenas.narenas", constant<kOneArena>},
    {"arenas.dirty_decay_ms", kDecay},
    {"arenas.muzzy_decay_ms", kMuzzyDecay},
    {"arenas.quantum", constant<kMinBlockBytes>},
    {"arenas.page", constant<kPage>},
    {"arenas.tcache_max", constant<kMostCached>},
    {"arenas.nbins", constant<kClasses>},
    {"arenas.nhbins", constant<kCachedClasses>},
    {"arenas.bin.#.size", read_only<std::size_t, class_bytes>},
    {"arenas.bin.#.nregs", read_only<std::uint32_t, class_blocks>},
    {"arenas.bin.#.slab_size", constant<kGranule>},

    {"prof.active", setting<bool, get_active, set_active>},
    {"prof.dump", dump},
    {"prof.lg_sample", read_only<std::size_t, sample_logarithm>},

    {"stats.allocated", figure<std::size_t, Figure::kAllocated>},
    {"stats.active", figure<std::size_t, Figure::kActive>},
    {"stats.metadata", figure<std::size_t, Figure::kMetadata>},
    {"stats.resident", figure<std::size_t, Figure::kResident>},
    {"stats.mapped", figure<std::size_t, Figure::kMapped>},
    {"stats.retained", figure<std::size_t, Figure::kRetained>},
    {"stats.arenas.#.nthreads", figure<unsigned, Figure::kThreads>},
    {"stats.arenas.#.dirty_decay_ms", read_only<std::int64_t, get_decay>},
    {"stats.arenas.#.muzzy_decay_ms", read_only<std::int64_t, get_muzzy_decay>},
    {"stats.arenas.#.pactive", figure<std::size_t, Figure::kActive, kPageBytes>},
    {"stats.arenas.#.pdirty", figure<std::size_t, Figure::kDirty, kPageBytes>},
    {"stats.arenas.#.pmuzzy", constant<std::size_t{0}>},
    {"stats.arenas.#.mapped", figure<std::size_t, Figure::kMapped>},
    {"stats.arenas.#.retained", figure<std::size_t, Figure::kRetained>},
    {"stats.arenas.#.resident", figure<std::size_t, Figure::kResident>},
    {"stats.arenas.#.tcache_bytes", figure<std::size_t, Figure::kThreadCaches>},
    {"stats.arenas.#.dirty_nmadvise", figure<std::uint64_t, Figure::kPurges>},
    {"stats.arenas.#.dirty_purged", figure<std::uint64_t, Figure::kPurged, kPageBytes>},
    {"stats.arenas.#.small.allocated", figure<std::size_t, Figure::kSmall>},
    {"stats.arenas.#.large.allocated", figure<std::size_t, Figure::kLarge>},
};

}  // namespace

std::span<const Node> node_table() noexcept { return kNodes; }

}  // namespace luna::jemalloc
