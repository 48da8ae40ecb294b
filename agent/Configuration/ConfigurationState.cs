namespace OnCache.Agent.Configuration;

/// <summary>How the agent stands with its configuration.</summary>
/// <param name="Source">Where it comes from: the file as the user named it, or the object in the API.</param>
/// <param name="LoadedAt">When the configuration in force was read.</param>
/// <param name="Error">Why what is there now is not in force; absent while it is.</param>
internal sealed record ConfigurationState(string Source, DateTimeOffset LoadedAt, string? Error);
