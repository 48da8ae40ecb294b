using System.Buffers.Binary;
using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
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

    /// <summary>Of maps that others take the place of.</summary>
    [Fact]
    public void Disposed_it_has_read_what_ended_before()
    {
        using var metrics = new CoherenceMetrics();
        using var read = new SemaphoreSlim(0);
        var (ended, seen) = (0, 0);
        using (new EndedConnectionsTeller(
            _ =>
            {
                Volatile.Write(ref seen, Volatile.Read(ref ended));
                read.Release();
                return [];
            },
            static _ => 0,
            static () => throw new InvalidDataException(),
            metrics))
        {
            read.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken).ShouldBeTrue();
            Volatile.Write(ref ended, 1);
        }

        seen.ShouldBe(1);
    }

    /// <summary>Or the end of one would be taken for that of another: what a network's pods differ in lies where ports differ.</summary>
    [Fact]
    public void Connections_of_a_network_to_one_port_have_notes_of_their_own()
    {
        const int Pods = 200, Ports = 1000;
        var server = SlotIndex.ToNetwork(Ipv4Address.Parse("10.244.2.9"));
        // Of random values of 32 bits some five of these would meet.
        const int Most = 50;

        var hashes = Enumerable.Range(0, Pods).SelectMany(pod => Enumerable.Range(0, Ports).Select(port => EndedConnectionsTeller.HashOf(new FlowKey
        {
            LocalIp = SlotIndex.ToNetwork(Ipv4Address.Parse($"10.244.1.{pod}")),
            RemoteIp = server,
            LocalPort = BinaryPrimitives.ReverseEndianness((ushort)(32768 + (2 * port))),
            RemotePort = BinaryPrimitives.ReverseEndianness((ushort)80),
        }))).ToList();

        (hashes.Count - hashes.Distinct().Count()).ShouldBeLessThan(Most);
        hashes.GroupBy(static hash => hash & (Layout.Notes - 1)).Max(static place => place.Count()).ShouldBeLessThan(4 * hashes.Count / (int)Layout.Notes, "places are about as busy");
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
