using System.Text.Json.Serialization;

namespace OnCache.Lab.Traffic;

/// <summary>What one run measured. A transaction is an exchange, a received datagram, or for a TCP stream one KiB acknowledged.</summary>
/// <param name="Seconds">The measured time.</param>
/// <param name="Rate">Transactions per second.</param>
/// <param name="P50Microseconds">Median time of one exchange; null for streams.</param>
/// <param name="P99Microseconds">99th percentile of the same.</param>
/// <param name="Gbps">Payload in one direction, Gb/s (10^9), as the receiver counts it.</param>
/// <param name="Lost">Datagrams sent and not received.</param>
/// <param name="CoreBusyNanoseconds">Time the core was not idle, whoever used it, or both cores where the server has its own; null without a core.</param>
/// <param name="CpuNanoseconds">CPU time of the two sides and of the core's ksoftirqd: what the core's other users cannot inflate.</param>
public sealed record TrafficResult(
    [property: JsonPropertyName("kind")] TrafficKind Kind,
    [property: JsonPropertyName("seconds")] double Seconds,
    [property: JsonPropertyName("transactions")] long Transactions,
    [property: JsonPropertyName("rate")] double Rate,
    [property: JsonPropertyName("p50_us")] double? P50Microseconds,
    [property: JsonPropertyName("p99_us")] double? P99Microseconds,
    [property: JsonPropertyName("gbps")] double Gbps,
    [property: JsonPropertyName("lost")] long Lost,
    [property: JsonPropertyName("core_busy_ns")] long? CoreBusyNanoseconds,
    [property: JsonPropertyName("cpu_ns")] long CpuNanoseconds)
{
    /// <summary>Microseconds of the pinned core's busy time per transaction; of the two sides' CPU time when no core was given.</summary>
    [JsonPropertyName("cpu_us_per_transaction")]
    public double CpuMicrosecondsPerTransaction =>
        Transactions == 0 ? 0 : (CoreBusyNanoseconds ?? CpuNanoseconds) / 1000.0 / Transactions;
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(TrafficResult))]
[JsonSerializable(typeof(SessionOffer))]
[JsonSerializable(typeof(SessionRequest))]
[JsonSerializable(typeof(SessionReport))]
internal sealed partial class TrafficJson : JsonSerializerContext;
