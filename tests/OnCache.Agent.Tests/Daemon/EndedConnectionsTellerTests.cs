using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Tests.Daemon;

public sealed class EndedConnectionsTellerTests
{
    [Fact]
    public async Task What_ends_its_thread_is_there_for_others_to_see()
    {
        using var metrics = new CoherenceMetrics();
        using var teller = new EndedConnectionsTeller(Take, static _ => 0, static () => throw new InvalidDataException("no timeout"), metrics);

        (await Should.ThrowAsync<InvalidDataException>(teller.Completion)).Message.ShouldBe("no timeout");

        static bool Take(out Ended ended)
        {
            ended = default;
            return true;
        }
    }

    [Fact]
    public async Task Disposed_it_has_ended_well()
    {
        using var metrics = new CoherenceMetrics();
        var teller = new EndedConnectionsTeller(None, static _ => 0, static () => throw new InvalidDataException(), metrics);

        teller.Dispose();

        await teller.Completion;

        static bool None(out Ended ended)
        {
            ended = default;
            return false;
        }
    }
}
