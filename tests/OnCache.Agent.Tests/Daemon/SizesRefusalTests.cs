using System.Globalization;
using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Datapath;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>What is done and said where caches of the sizes that are asked for cannot be had.</summary>
public sealed class SizesRefusalTests
{
    private static readonly DatapathSizes s_asked = new(4_194_304, 5000, 256);
    private static readonly DatapathSizes s_inForce = new(65_536, 5000, 256);
    private static readonly BpfException s_noMemory = new("load the eBPF programs", 12, "map 'filter_cache': failed to create: -ENOMEM");

    [Fact]
    public void A_lack_of_memory_has_its_reason_and_the_message_says_what_was_asked_what_is_in_force_and_what_would_help()
    {
        var refusal = SizesRefusal.Of(s_asked, s_inForce, s_noMemory, former: null);

        refusal.Reason.ShouldBe(ConditionReason.InsufficientMemory);
        // Some of it is for each CPU.
        var (asked, present) = (string.Create(CultureInfo.InvariantCulture, $"{s_asked.Bytes / 1e6:0.0}"), string.Create(CultureInfo.InvariantCulture, $"{s_inForce.Bytes / 1e6:0.0}"));
        refusal.Message.ShouldBe(
            $"cacheSizes filter 4194304, egress 5000, ingress 256 need {asked} MB of kernel memory beside what is in use: "
            + "load the eBPF programs: Cannot allocate memory (errno 12): map 'filter_cache': failed to create: -ENOMEM; "
            + $"in force are filter 65536, egress 5000, ingress 256 with {present} MB, and all else that is configured; "
            + "raise the memory limit of the agent's container, or lower spec.cacheSizes");
    }

    [Fact]
    public void Attempts_are_counted_for_the_same_sizes_alone()
    {
        var first = SizesRefusal.Of(s_asked, s_inForce, s_noMemory, former: null);

        SizesRefusal.Of(s_asked, s_inForce, s_noMemory, first).Attempts.ShouldBe(2);
        SizesRefusal.Of(s_asked with { Egress = 1 }, s_inForce, s_noMemory, first).Attempts.ShouldBe(1);
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(UnauthorizedAccessException))]
    public void Another_obstacle_is_a_failure(Type obstacle)
    {
        var failure = (Exception)Activator.CreateInstance(obstacle)!;

        SizesRefusal.IsOne(failure).ShouldBeTrue();
        SizesRefusal.IsOfMemory(failure).ShouldBeFalse();
        SizesRefusal.Of(s_asked, s_inForce, failure, former: null).Reason.ShouldBe(ConditionReason.Failed);
    }

    [Fact]
    public void A_first_start_takes_the_largest_filter_cache_for_which_the_memory_suffices()
    {
        var tried = new List<int>();
        // Any datapath: what is tried is which sizes are asked for.
        using var fits = new FreshDatapath();

        var (datapath, refused) = AgentOperations.LargestThatFits(s_asked, sizes =>
        {
            tried.Add(sizes.Filter);
            return sizes.Filter > 1_000_000 ? throw s_noMemory : fits.Datapath;
        });

        datapath.ShouldBeSameAs(fits.Datapath);
        tried.ShouldBe([4_194_304, 2_097_152, 1_048_576, 524_288]);
        refused.ShouldNotBeNull().Asked.ShouldBe(s_asked);
        refused.Message.ShouldContain("in force are filter 524288");
    }

    [Fact]
    public void Where_not_even_the_smallest_fits_or_memory_is_not_what_lacks_the_start_fails()
    {
        var tried = 0;

        _ = Should.Throw<BpfException>(() => AgentOperations.LargestThatFits(s_inForce, _ =>
        {
            tried++;
            throw s_noMemory;
        }));
        tried.ShouldBe(7);
        _ = Should.Throw<BpfException>(() => AgentOperations.LargestThatFits(s_asked, static _ => throw new BpfException("load", 1)));
    }
}
