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
        using var teller = new EndedConnectionsTeller(static _ => [default], static _ => 0, static () => throw new InvalidDataException("no timeout"), metrics);

        (await Should.ThrowAsync<InvalidDataException>(teller.Completion)).Message.ShouldBe("no timeout");
    }

    [Fact]
    public async Task Disposed_it_has_ended_well()
    {
        using var metrics = new CoherenceMetrics();
        var teller = new EndedConnectionsTeller(static _ => [], static _ => 0, static () => throw new InvalidDataException(), metrics);

        teller.Dispose();

        await teller.Completion;
    }

    /// <summary>Places are few: another connection's ports say nothing of this one's.</summary>
    [Fact]
    public void That_ports_began_a_new_life_counts_for_these_ports_alone()
    {
        var ended = new Ended { Key = new FlowKey { LocalIp = 1, RemoteIp = 2, LocalPort = 3, RemotePort = 4 }, At = 5_000_000_000 };
        var (whose, at) = (EndedConnectionsTeller.HashOf(ended.Key), ended.At >> Layout.NoteShift << 32);
        const ulong Millisecond = 1ul << 32;

        EndedConnectionsTeller.HasReopened(ended, at + Millisecond | whose).ShouldBeTrue();
        EndedConnectionsTeller.HasReopened(ended, at | whose).ShouldBeTrue();
        EndedConnectionsTeller.HasReopened(ended, at - Millisecond | whose).ShouldBeFalse();
        EndedConnectionsTeller.HasReopened(ended, at + Millisecond | (whose ^ Layout.Notes)).ShouldBeFalse();
        EndedConnectionsTeller.HasReopened(ended, 0).ShouldBeFalse();
    }
}
