using System.Threading.Channels;
using OnCache.Api;

namespace OnCache.Operator.Peers;

/// <summary>
/// What nodes are to be told, and what they were. The first change is told at once; what comes too soon after is merged and waits, those that
/// wait longest first. Nothing is dropped but signals to nodes that hold no verdicts. Any thread may add.
/// </summary>
internal sealed class SignalLedger(SignalPace pace)
{
    // A new leader's view may lag behind the last writes of the one before, and a number must not be used twice. Its first signal to a node
    // says that all may be concerned, which is what a gap says too.
    private const long Leap = 1000;

    private readonly Lock _lock = new();
    private readonly Channel<bool> _added = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, PendingSignal> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PendingSignal> _underway = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Told> _told = new(StringComparer.Ordinal);
    private double _tokens = pace.Burst;
    private DateTimeOffset _filledAt;

    /// <summary>Adds to what each of the nodes is to be told.</summary>
    public void Add(IEnumerable<string> nodes, PendingSignal signal)
    {
        lock (_lock)
        {
            foreach (var node in nodes)
            {
                _pending[node] = _pending.TryGetValue(node, out var waiting) ? waiting.With(signal) : signal;
            }
        }

        _ = _added.Writer.TryWrite(true);
    }

    /// <summary>Calls <paramref name="changed"/> when something was added, until cancelled.</summary>
    public async Task FollowAsync(Action changed, CancellationToken cancellationToken)
    {
        await foreach (var _ in _added.Reader.ReadAllAsync(cancellationToken))
        {
            changed();
        }
    }

    /// <summary>Takes what may be written now; each is to be <see cref="End">ended</see>.</summary>
    /// <param name="nodes">The nodes that have an object.</param>
    /// <param name="now">The time.</param>
    public SignalBatch Begin(IReadOnlyDictionary<string, SignalTarget> nodes, DateTimeOffset now)
    {
        lock (_lock)
        {
            foreach (var node in _told.Keys.Where(node => !nodes.ContainsKey(node)).ToArray())
            {
                _ = _told.Remove(node);
            }

            foreach (var node in _pending.Keys.Where(node => !nodes.TryGetValue(node, out var target) || !target.HoldsVerdicts).ToArray())
            {
                _ = _pending.Remove(node);
            }

            Fill(now);
            var due = new HashSet<string>(StringComparer.Ordinal);
            foreach (var (node, signal) in _pending.OrderBy(static pair => pair.Value.Since).ThenBy(static pair => pair.Key, StringComparer.Ordinal).ToArray())
            {
                if (_tokens < 1)
                {
                    break;
                }

                if (ReadyAt(node) <= now)
                {
                    _tokens--;
                    _ = _pending.Remove(node);
                    _underway[node] = signal;
                    _ = due.Add(node);

                    // Each attempt has a number of its own: one that seemed to fail may have been read.
                    var last = Math.Max(nodes[node].Stored?.Revision ?? 0, _told.GetValueOrDefault(node)?.Signal.Revision ?? 0);
                    _told[node] = new Told(signal.Number(last + (signal.Causes.Contains(PeerCause.Start) ? Leap : 1)), now);
                }
            }

            return new SignalBatch(_told.ToDictionary(static pair => pair.Key, static pair => pair.Value.Signal, StringComparer.Ordinal), due, Wait(now));
        }
    }

    /// <summary>Ends an attempt. One that failed waits again, with what has come since.</summary>
    /// <returns>What was written.</returns>
    public PendingSignal End(string node, bool isAccepted)
    {
        lock (_lock)
        {
            _ = _underway.Remove(node, out var signal);
            if (!isAccepted)
            {
                _pending[node] = _pending.TryGetValue(node, out var waiting) ? signal!.With(waiting) : signal!;
            }

            return signal!;
        }
    }

    private DateTimeOffset ReadyAt(string node) => _told.TryGetValue(node, out var told) ? told.At + pace.PerNode : DateTimeOffset.MinValue;

    private void Fill(DateTimeOffset now)
    {
        var elapsed = _filledAt == default ? TimeSpan.Zero : now - _filledAt;
        _tokens = Math.Min(pace.Burst, _tokens + (Math.Max(0, elapsed.TotalSeconds) * pace.PerSecond));
        _filledAt = now;
    }

    private TimeSpan? Wait(DateTimeOffset now)
    {
        if (_pending.Count == 0)
        {
            return null;
        }

        var first = _pending.Keys.Min(ReadyAt);
        var forNode = first > now ? first - now : TimeSpan.Zero;
        var forToken = TimeSpan.FromSeconds(Math.Max(0, 1 - _tokens) / pace.PerSecond);
        return forNode > forToken ? forNode : forToken;
    }

    private sealed record Told(PeerSignal Signal, DateTimeOffset At);
}

/// <summary>A node's object as it is.</summary>
/// <param name="Stored">The signal it shows.</param>
/// <param name="HoldsVerdicts">Whether a policy lets the node cache anything.</param>
internal readonly record struct SignalTarget(PeerSignal? Stored, bool HoldsVerdicts)
{
    /// <summary>What an object says of itself.</summary>
    public static SignalTarget Of(NodeCacheConfigSpec spec) => new(spec.PeerSignal, spec.Policies.Any(static policy => policy.Mode != AccelerationMode.Disabled));
}

/// <summary>What a turn has to write.</summary>
/// <param name="Latest">By node, what it was told last, the new ones included. An object may not show it yet.</param>
/// <param name="Due">The nodes that are told something new.</param>
/// <param name="Wait">When to look again; <see langword="null"/> when nothing waits.</param>
internal sealed record SignalBatch(IReadOnlyDictionary<string, PeerSignal> Latest, IReadOnlySet<string> Due, TimeSpan? Wait)
{
    public static SignalBatch None { get; } = new(new Dictionary<string, PeerSignal>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal), Wait: null);

    /// <summary>The signal that the node's object should show.</summary>
    public PeerSignal? For(string node, PeerSignal? stored) =>
        Latest.TryGetValue(node, out var latest) && latest.Revision > (stored?.Revision ?? 0) ? latest : stored;
}
