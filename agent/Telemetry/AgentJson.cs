using System.Text.Json.Serialization;

namespace OnCache.Agent.Telemetry;

/// <summary>The JSON of the agent's socket: camelCase, enumerations by name, absent values left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = true)]
[JsonSerializable(typeof(AgentStatus))]
[JsonSerializable(typeof(FlushRequest))]
[JsonSerializable(typeof(FlushOutcome))]
internal sealed partial class AgentJson : JsonSerializerContext;
