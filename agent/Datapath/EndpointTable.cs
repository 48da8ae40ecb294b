using System.Diagnostics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>A local pod as the datapath shall know it.</summary>
/// <param name="Uid">The pod's identity; the address alone may pass to another pod.</param>
/// <param name="Mtu">Largest IPv4 packet the veth takes, bytes.</param>
internal sealed record EndpointSpec(
    Ipv4Address Address,
    string Uid,
    int IfIndex,
    MacAddress PodMac,
    MacAddress GatewayMac,
    int Mtu,
    EndpointMode Mode,
    ProtocolBits Protocols,
    EndpointFlags Flags)
{
    /// <summary>The same pod at the same place: a verdict for the one holds for the other.</summary>
    public bool IsSamePod(EndpointSpec other) =>
        Address == other.Address && string.Equals(Uid, other.Uid, StringComparison.Ordinal) && IfIndex == other.IfIndex
        && PodMac == other.PodMac;
}

/// <summary>What <see cref="EndpointTable.Apply"/> did.</summary>
/// <param name="Flushed">Endpoints whose cached verdicts became void.</param>
/// <param name="NoRoom">Endpoints for which the ingress cache has no entry left.</param>
/// <param name="FlushedAt">When the last of those verdicts became void, as a Stopwatch timestamp.</param>
internal sealed record EndpointChanges(IReadOnlyList<Ipv4Address> Flushed, IReadOnlyList<Ipv4Address> NoRoom, long FlushedAt);

/// <summary>
/// The ingress cache. A slot is withdrawn, its epoch raised and running programs awaited before another pod moves in,
/// so that no packet meets half of one pod and half of another. One owner applies; flushes come from any thread, and wait for
/// no more than the stores of an application, never for running programs.
/// </summary>
internal sealed class EndpointTable(DatapathMaps maps, Func<ulong> now, Action waitForRunningPrograms)
{
    private readonly SlotIndex _index = new(maps.EndpointIndex, maps.Sizes.Ingress);
    private readonly Lock _lock = new();
    private readonly Dictionary<Ipv4Address, EndpointSpec> _specs = [];
    private readonly Dictionary<Ipv4Address, ulong> _heldAddresses = [];
    private readonly Dictionary<string, ulong> _heldPods = new(StringComparer.Ordinal);
    private ulong _heldAll;

    public IReadOnlyDictionary<Ipv4Address, EndpointSpec> Specs => _specs;

    /// <summary>Slots in use, also those that an earlier agent filled.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _index.Slots.Count;
            }
        }
    }

    /// <summary>What pods that have gone had sent and received on the fast path since this agent began.</summary>
    public EndpointCounters Retired { get; private set; }

    public uint? SlotOf(Ipv4Address address) => _index.Slots.TryGetValue(address, out var slot) ? slot : null;

    /// <summary>
    /// Makes the table hold exactly <paramref name="desired"/>.
    /// </summary>
    /// <param name="settle">Nanoseconds for which learning is held where an address passed from one pod to another.</param>
    public EndpointChanges Apply(IReadOnlyCollection<EndpointSpec> desired, ulong settle)
    {
        var wanted = desired.ToDictionary(spec => spec.Address);
        var flushed = new List<Ipv4Address>();
        var vacated = new List<uint>();
        var rewritten = new HashSet<Ipv4Address>();
        lock (_lock)
        {
            ForgetOldHolds();
            foreach (var address in _index.Slots.Keys.ToList())
            {
                var target = wanted.GetValueOrDefault(address);
                if (target is not null && (_specs.GetValueOrDefault(address) ?? Adopt(address, target)) is { } present && present.IsSamePod(target))
                {
                    continue;
                }

                // Another pod, or one that an earlier agent knew and that has changed since.
                Withdraw(address, now() + settle);
                flushed.Add(address);
                vacated.Add(_index.Slots[address]);
                if (target is null)
                {
                    _heldAddresses[address] = now() + settle;
                    _specs.Remove(address);
                    _index.Release(address);
                }
                else
                {
                    rewritten.Add(address);
                }
            }
        }

        var flushedAt = Stopwatch.GetTimestamp();
        if (flushed.Count > 0)
        {
            waitForRunningPrograms();
            Retire(vacated);
        }

        lock (_lock)
        {
            var (noRoom, treated) = WriteAll(desired, rewritten, now() + settle);
            return new EndpointChanges([.. flushed, .. treated], noRoom, treated.Count > 0 ? Stopwatch.GetTimestamp() : flushedAt);
        }
    }

    private (List<Ipv4Address> NoRoom, List<Ipv4Address> Treated) WriteAll(
        IReadOnlyCollection<EndpointSpec> desired, HashSet<Ipv4Address> rewritten, ulong learnAfter)
    {
        var noRoom = new List<Ipv4Address>();
        var treated = new List<Ipv4Address>();
        foreach (var target in desired)
        {
            if (_index.Allocate(target.Address) is not { } slot)
            {
                noRoom.Add(target.Address);
                continue;
            }

            var known = _specs.GetValueOrDefault(target.Address);
            if (known == target && !rewritten.Contains(target.Address))
            {
                continue;
            }

            ref var entry = ref maps.IngressCache[slot];
            var samePod = known is not null && !rewritten.Contains(target.Address);
            if (samePod && (known!.Mode != target.Mode || known.Protocols != target.Protocols))
            {
                // A verdict learned for protocols or a mode that no longer hold. Our own policy: nothing to wait for.
                entry.Mode = EndpointMode.Disabled;
                maps.BetweenStores();
                Interlocked.Increment(ref entry.Epoch);
                maps.BetweenStores();
                treated.Add(target.Address);
            }
            else if (samePod && known!.Flags.HasFlag(EndpointFlags.Portless) && !target.Flags.HasFlag(EndpointFlags.Portless))
            {
                // A policy may restrict the pod now. The proof goes first, what was opened under it second.
                TakeProofBack(ref entry);
                Hold(ref entry, learnAfter);
                Interlocked.Increment(ref entry.Epoch);
                maps.BetweenStores();
                treated.Add(target.Address);
            }
            else if (known is null && !rewritten.Contains(target.Address))
            {
                entry.LearnAfter = HeldUntil(target);
                maps.BetweenStores();
            }
            else
            {
                Hold(ref entry, HeldUntil(target));
            }

            if (!samePod)
            {
                entry.Since = entry.Epoch;
                maps.BetweenStores();
            }

            Write(ref entry, target);
            if (samePod && ((known!.Flags ^ target.Flags) & EndpointFlags.Ruled) != EndpointFlags.None)
            {
                // What was learned without the regions of the host's rules, or under them: the flag first, the epoch second.
                Interlocked.Increment(ref entry.Epoch);
                maps.BetweenStores();
                treated.Add(target.Address);
            }

            _specs[target.Address] = target;
        }

        return (noRoom, treated);
    }

    /// <summary>
    /// Voids the verdicts of one endpoint and holds learning until <paramref name="learnAfter"/>, also where it has no entry yet.
    /// </summary>
    /// <remarks>Where learning is held, what is proven of the endpoint may not hold any more either, until it is applied anew.</remarks>
    public void Flush(FlushTarget target, ulong learnAfter)
    {
        lock (_lock)
        {
            if (learnAfter > _heldPods.GetValueOrDefault(target.Uid))
            {
                _heldPods[target.Uid] = learnAfter;
            }

            if (target.Address is { } address && SlotOf(address) is { } slot)
            {
                if (learnAfter > 0)
                {
                    TakeProofBack(address);
                }

                Hold(ref maps.IngressCache[slot], learnAfter);
                Interlocked.Increment(ref maps.IngressCache[slot].Epoch);
            }
        }
    }

    /// <summary>Holds learning for every endpoint, those to come included: the first half of a flush of everything.</summary>
    /// <remarks>Where learning is held, what is proven of the endpoints may not hold any more either, until it is applied anew.</remarks>
    public void HoldAll(ulong learnAfter)
    {
        lock (_lock)
        {
            _heldAll = Math.Max(_heldAll, learnAfter);
            foreach (var (address, slot) in _index.Slots)
            {
                if (learnAfter > 0)
                {
                    TakeProofBack(address);
                }

                Hold(ref maps.IngressCache[slot], learnAfter);
            }
        }
    }

    /// <summary>What the sweeps know of the pods' shares of the filter cache, by address.</summary>
    public IReadOnlyDictionary<Ipv4Address, CacheShare> Shares()
    {
        lock (_lock)
        {
            return _index.Slots.ToDictionary(pair => pair.Key, pair => CacheShare.Of(maps.Held[pair.Value]));
        }
    }

    /// <summary>What took the fast path at the pod of this slot, all CPUs together.</summary>
    public EndpointCounters CountersOf(uint slot) =>
        maps.EndpointCounters.Read(slot).Aggregate(default(EndpointCounters), static (sum, cpu) => sum + cpu);

    private void TakeProofBack(Ipv4Address address)
    {
        TakeProofBack(ref maps.IngressCache[_index.Slots[address]]);
        if (_specs.TryGetValue(address, out var spec))
        {
            _specs[address] = spec with { Flags = spec.Flags & ~EndpointFlags.Portless };
        }
    }

    private void TakeProofBack(ref IngressEntry entry)
    {
        entry.Flags &= ~EndpointFlags.Portless;
        Thread.MemoryBarrier();
        maps.BetweenStores();
    }

    private void Hold(ref IngressEntry entry, ulong learnAfter)
    {
        if (entry.LearnAfter < learnAfter)
        {
            Volatile.Write(ref entry.LearnAfter, learnAfter);
            maps.BetweenStores();
        }
    }

    /// <summary>
    /// A slot that an earlier agent filled is kept as it is where it still names the same place: packets go on while
    /// agents change. What was learned under that agent is void by the epoch in any case.
    /// </summary>
    private EndpointSpec? Adopt(Ipv4Address address, EndpointSpec target)
    {
        ref var entry = ref maps.IngressCache[_index.Slots[address]];
        if (entry.IfIndex != (uint)target.IfIndex || entry.Ip != SlotIndex.ToNetwork(address)
            || MacAddress.Read(entry.PodMac) != target.PodMac || MacAddress.Read(entry.GatewayMac) != target.GatewayMac)
        {
            return null;
        }

        var adopted = target with { Mtu = entry.Mtu, Mode = entry.Mode, Protocols = entry.Protocols, Flags = entry.Flags };
        _specs.Add(address, adopted);
        return adopted;
    }

    private void Write(ref IngressEntry entry, EndpointSpec spec)
    {
        entry.Ip = SlotIndex.ToNetwork(spec.Address);
        entry.Mtu = (ushort)Math.Min(spec.Mtu, ushort.MaxValue);
        entry.Protocols = spec.Protocols;
        maps.BetweenStores();
        entry.Flags = spec.Flags;
        maps.BetweenStores();
        spec.PodMac.CopyTo(entry.PodMac);
        spec.GatewayMac.CopyTo(entry.GatewayMac);
        Thread.MemoryBarrier();
        maps.BetweenStores();
        entry.Mode = spec.Mode;
        maps.BetweenStores();
        Volatile.Write(ref entry.IfIndex, (uint)spec.IfIndex);
        maps.BetweenStores();
    }

    private void Withdraw(Ipv4Address address, ulong learnAfter)
    {
        ref var entry = ref maps.IngressCache[_index.Slots[address]];
        Volatile.Write(ref entry.IfIndex, 0);
        maps.BetweenStores();
        Hold(ref entry, learnAfter);
        Interlocked.Increment(ref entry.Epoch);
        maps.BetweenStores();
    }

    private void Retire(List<uint> vacated)
    {
        foreach (var slot in vacated)
        {
            Retired += CountersOf(slot);
            maps.EndpointCounters.Clear(slot);
            maps.Held[slot] = default;
        }
    }

    private ulong HeldUntil(EndpointSpec target) => Math.Max(
        _heldAll, Math.Max(_heldAddresses.GetValueOrDefault(target.Address), _heldPods.GetValueOrDefault(target.Uid)));

    private void ForgetOldHolds()
    {
        var time = now();
        Forget(_heldAddresses);
        Forget(_heldPods);
        if (_heldAll <= time)
        {
            _heldAll = 0;
        }

        void Forget<TKey>(Dictionary<TKey, ulong> holds)
            where TKey : notnull
        {
            foreach (var (key, learnAfter) in holds.ToList())
            {
                if (learnAfter <= time)
                {
                    holds.Remove(key);
                }
            }
        }
    }
}
