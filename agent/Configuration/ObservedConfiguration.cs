using System.Runtime.CompilerServices;
using OnCache.Agent.Coherence;

namespace OnCache.Agent.Configuration;

/// <summary>A configuration whose pods nobody else watches: their changes take effect on verdicts before the configuration is told on.</summary>
internal sealed class ObservedConfiguration : IConfigurationSource
{
    private readonly IConfigurationSource _source;
    private readonly CoherenceLane _lane;
    private AgentConfiguration _seen;

    public ObservedConfiguration(IConfigurationSource source, CoherenceLane lane)
    {
        _source = source;
        _lane = lane;
        _seen = source.Current;
        Observe(LocalChanges.Between(before: null, _seen.Local));
    }

    /// <inheritdoc/>
    public AgentConfiguration Current => _source.Current;

    /// <inheritdoc/>
    public ConfigurationState State => _source.State;

    /// <inheritdoc/>
    public async IAsyncEnumerable<AgentConfiguration> ChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var next in _source.ChangesAsync(cancellationToken))
        {
            Observe(LocalChanges.Between(_seen.Local, next.Local));
            _seen = next;
            yield return next;
        }
    }

    private void Observe(IEnumerable<CoherenceEvent> events) => _lane.Observe(events.Select(static item => (item, (DateTimeOffset?)null)));
}
