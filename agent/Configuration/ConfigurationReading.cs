using System.Diagnostics.CodeAnalysis;

namespace OnCache.Agent.Configuration;

/// <summary>The outcome of reading a configuration file: a configuration, or everything that is wrong with the file.</summary>
/// <param name="Configuration">The configuration, when there is no problem.</param>
/// <param name="Problems">All problems, in the order of their lines.</param>
internal sealed record ConfigurationReading(AgentConfiguration? Configuration, IReadOnlyList<ConfigurationProblem> Problems)
{
    /// <summary>Whether the configuration can be used.</summary>
    [MemberNotNullWhen(true, nameof(Configuration))]
    public bool IsValid => Configuration is not null;
}
