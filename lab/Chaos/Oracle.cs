using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Lab.Policy;

namespace OnCache.Lab.Chaos;

/// <summary>Knows at each moment what the CNI would allow, and judges what arrived. All moments count from the start of the run.</summary>
/// <remarks>
/// A message is judged by when it was sent, before which its sender looked at the clock; that it waited for a core on its way makes the
/// judgement milder, never wrong. Under an enforcer that leaves established flows alone the flow's beginning counts instead.
/// Safe for use from several threads.
/// </remarks>
internal sealed class Oracle(EnforcerKind enforcer, TimeSpan lease, TimeSpan settle, TimeSpan allowance)
{
    private readonly Lock sync = new();
    private readonly Dictionary<DenialKey, Denial> denials = [];
    private readonly Dictionary<string, List<(int Number, TimeSpan From, TimeSpan Until)>> disturbances = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Source, string Destination), RuleDenial> ruled = [];
    private readonly Dictionary<(string Source, string Destination), TimeSpan> touched = [];
    private readonly Dictionary<string, TimeSpan> gone = new(StringComparer.Ordinal);
    private TimeSpan shaken;
    private int disturbed;

    /// <summary>The longest that a verdict outlived its end where agent and API were up.</summary>
    public TimeSpan WorstHeard { get; private set; }

    /// <summary>The longest that it did where signals were lost or the enforcer was late.</summary>
    public TimeSpan WorstLeased { get; private set; }

    /// <summary>Messages that arrived after the end of their verdict, within the bound or not.</summary>
    public long Stale { get; private set; }

    /// <summary>A denial is in force.</summary>
    public void Deny(Denial denial)
    {
        lock (sync)
        {
            denials[denial.Key] = denial;
        }
    }

    /// <summary>A pair is about to lose what it is allowed: from here on its connections may end.</summary>
    public void Touch(DenialKey key, TimeSpan at)
    {
        lock (sync)
        {
            touched[(key.Source, key.Destination)] = at;
        }
    }

    /// <summary>A denial is about to be lifted: from here on nothing is held against the pair.</summary>
    public void Allow(DenialKey key, TimeSpan at)
    {
        lock (sync)
        {
            _ = denials.Remove(key);
            touched[(key.Source, key.Destination)] = at;
        }
    }

    /// <summary>A rule of the host drops every packet of a pair, whatever it belongs to.</summary>
    public void DenyByRule(RuleDenial denial)
    {
        lock (sync)
        {
            ruled[(denial.Source, denial.Destination)] = denial;
        }
    }

    /// <summary>Such a rule is about to go.</summary>
    public void AllowByRule(RuleDenial denial)
    {
        lock (sync)
        {
            _ = ruled.Remove((denial.Source, denial.Destination));
        }
    }

    /// <summary>A pod is about to go.</summary>
    public void Gone(string pod, TimeSpan at)
    {
        lock (sync)
        {
            gone[pod] = at;
            foreach (var key in denials.Keys.Where(key => key.Source == pod || key.Destination == pod).ToArray())
            {
                _ = denials.Remove(key);
            }
        }
    }

    /// <summary>The way between nodes or pods was broken until now, as it would be without us.</summary>
    public void Shake(TimeSpan at)
    {
        lock (sync)
        {
            shaken = at;
        }
    }

    /// <summary>When the way was broken last.</summary>
    public TimeSpan Shaken
    {
        get
        {
            lock (sync)
            {
                return shaken;
            }
        }
    }

    /// <summary>The node's agent, or its way to the API, is about to go. Several disturbances of a node may overlap.</summary>
    /// <returns>For <see cref="Settle"/>.</returns>
    public int Disturb(string node, TimeSpan at)
    {
        lock (sync)
        {
            if (!disturbances.TryGetValue(node, out var spans))
            {
                disturbances[node] = spans = [];
            }

            spans.Add((++disturbed, at, TimeSpan.MaxValue));
            return disturbed;
        }
    }

    /// <summary>A disturbance is over: as far as that one goes, the node's agent hears again.</summary>
    public void Settle(string node, int number, TimeSpan at)
    {
        lock (sync)
        {
            var spans = disturbances[node];
            var index = spans.FindIndex(span => span.Number == number);
            spans[index] = spans[index] with { Until = at };
        }
    }

    /// <summary>What is wrong with a delivery; null when nothing is.</summary>
    public string? Judge(Delivery delivery)
    {
        if (!delivery.Addressed.Equals(delivery.Actual))
        {
            return $"misdelivered: {delivery.Protocol} from {delivery.Source} to {delivery.Addressed} reached {delivery.Destination} at {delivery.Actual}";
        }

        lock (sync)
        {
            return JudgeByRule(delivery) ?? Judge(delivery, TrafficDirections.Ingress) ?? Judge(delivery, TrafficDirections.Egress);
        }
    }

    /// <summary>Whether a connection may end or stall without our doing: the plain overlay might not have kept it either.</summary>
    /// <param name="source">UID of who opened it.</param>
    /// <param name="destination">UID of the other.</param>
    /// <param name="since">When it was opened.</param>
    /// <param name="recovery">How long a denial that was lifted may show in what is retransmitted.</param>
    public bool IsExcused(string source, string destination, TimeSpan since, TimeSpan recovery)
    {
        lock (sync)
        {
            return gone.ContainsKey(source)
                || gone.ContainsKey(destination)
                || denials.Keys.Any(key => key.Source == source && key.Destination == destination)
                || ruled.ContainsKey((source, destination))
                || ruled.ContainsKey((destination, source))
                || (touched.TryGetValue((source, destination), out var at) && at + recovery >= since);
        }
    }

    private string? JudgeByRule(Delivery delivery)
    {
        if (!ruled.TryGetValue((delivery.Source, delivery.Destination), out var denial) || delivery.Sent <= denial.Enforced)
        {
            return null;
        }

        var isPrompt = !WasDisturbed(denial.Node, denial.Enforced, denial.Enforced + denial.Bound + allowance);
        var (staleness, bound) = (delivery.Sent - denial.Enforced, (isPrompt ? denial.Bound : lease) + allowance);
        Stale++;
        return staleness <= bound
            ? null
            : FormattableString.Invariant(
                $"stale: {delivery.Protocol} from {delivery.Source} to {delivery.Destination} ({delivery.Actual}) was delivered {staleness.TotalSeconds:0.000} s after {denial.Cause} on {denial.Node}; the bound is {bound.TotalSeconds:0.###} s");
    }

    private string? Judge(Delivery delivery, TrafficDirections direction)
    {
        var key = new DenialKey(delivery.Source, delivery.Destination, delivery.Protocol, direction);
        if (!denials.TryGetValue(key, out var denial))
        {
            return null;
        }

        var judged = enforcer == EnforcerKind.Cutting ? delivery.Sent : delivery.Opened;
        var from = denial.Visible > denial.Enforced ? denial.Visible : denial.Enforced;
        if (judged <= from)
        {
            return null;
        }

        var isPrompt = denial.IsHeard && denial.Enforced < denial.Written + settle && !WasDisturbed(denial.Node, denial.Written, from + allowance);
        var staleness = judged - from;
        Stale++;
        if (isPrompt)
        {
            WorstHeard = staleness > WorstHeard ? staleness : WorstHeard;
        }
        else
        {
            WorstLeased = staleness > WorstLeased ? staleness : WorstLeased;
        }

        var bound = isPrompt ? allowance : lease + allowance;
        return staleness <= bound
            ? null
            : FormattableString.Invariant(
                $"stale: {delivery.Protocol} from {delivery.Source} to {delivery.Destination} ({delivery.Actual}) was delivered {staleness.TotalSeconds:0.000} s after its denial ({direction}, {denial.Cause}; written {denial.Written.TotalSeconds:0.000}, visible {denial.Visible.TotalSeconds:0.000}, enforced {denial.Enforced.TotalSeconds:0.000}); the bound is {bound.TotalSeconds:0.###} s{(isPrompt ? "" : ", as signals were lost or the enforcer was late")}; flow opened {delivery.Opened.TotalSeconds:0.000}, sent {delivery.Sent.TotalSeconds:0.000}");
    }

    private bool WasDisturbed(string node, TimeSpan from, TimeSpan until) =>
        disturbances.TryGetValue(node, out var spans) && spans.Any(span => span.From <= until && span.Until >= from);
}
