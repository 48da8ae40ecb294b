namespace OnCache.Agent.Configuration;

/// <summary>Where the agent's orders come from: a file, or the API server.</summary>
internal interface IConfigurationSource
{
    /// <summary>The configuration in force.</summary>
    AgentConfiguration Current { get; }

    /// <summary>How things stand with it, for the status.</summary>
    ConfigurationState State { get; }

    /// <summary>Every configuration that takes the place of <see cref="Current"/>. One reader at a time.</summary>
    IAsyncEnumerable<AgentConfiguration> ChangesAsync(CancellationToken cancellationToken);
}
