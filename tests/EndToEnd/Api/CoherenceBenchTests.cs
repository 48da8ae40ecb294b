using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Bench.Coherence;

namespace OnCache.EndToEnd.Api;

/// <summary>The measurement of coherence in a small form: it tells all its figures, and none of them contradicts the guarantee.</summary>
public sealed class CoherenceBenchTests
{
    [Fact]
    public async Task Each_kind_of_event_is_measured_and_no_packet_is_stale_after_the_bound()
    {
        await ApiLabs.RequireAsync();
        const int Events = 3;
        var options = new CoherenceOptions
        {
            Agent = LabAgent.Program,
            Operator = ApiLabs.Operator,
            Definitions = ApiLabs.Definitions,
            Pods = [5],
            Flows = 1_000,
            Events = Events,
            Repeats = 1,
            Rate = 1_000,
        };

        var result = await new CoherenceBench(options, TestContext.Current.TestOutputHelper!.WriteLine).RunAsync(TestContext.Current.CancellationToken);

        result.Violations.ShouldBeEmpty();
        foreach (var kind in (string[])["pod delete", "pod IP reuse", "policy change", "node change"])
        {
            result.Measurements.ShouldContain(row => row.Metric == $"{kind}: watch event to effect" && row.Samples.Count == Events, kind);
            result.Measurements.ShouldContain(row => row.Metric == $"{kind}: write returned to last stale packet" && row.Samples.Count == Events, kind);
        }

        result.Measurements.ShouldContain(static row => row.Metric == "purge: duration");
        result.Measurements.ShouldContain(static row => row.Metric == "policy change unheard: deny to last stale packet");
    }
}
