namespace OnCache.Lab.Bench;

/// <summary>What one slice gave.</summary>
/// <param name="Rate">Transactions per second.</param>
/// <param name="Gbps">Payload, Gb/s.</param>
/// <param name="P50Microseconds">Median time of a transaction; null for streams.</param>
/// <param name="CpuMicroseconds">CPU time per transaction.</param>
public sealed record Sample(double Rate, double Gbps, double? P50Microseconds, double CpuMicroseconds);
