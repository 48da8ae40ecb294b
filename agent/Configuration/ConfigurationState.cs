namespace OnCache.Agent.Configuration;

/// <summary>How the agent stands with its configuration file.</summary>
/// <param name="File">The path as the user gave it.</param>
/// <param name="LoadedAt">When the configuration in force was read.</param>
/// <param name="Error">Why the file's present content is not in force; absent while it is.</param>
internal sealed record ConfigurationState(string File, DateTimeOffset LoadedAt, string? Error);
