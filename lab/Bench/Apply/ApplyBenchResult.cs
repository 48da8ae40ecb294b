using System.Text.Json.Serialization;

namespace OnCache.Lab.Bench.Apply;

/// <summary>How long changes of a policy take to reach the packets of an established flow.</summary>
/// <param name="Kernel">Its release.</param>
/// <param name="FlowRate">Exchanges a second of the flow.</param>
/// <param name="Rows">One for each flow and change.</param>
public sealed record ApplyBenchResult(string Kernel, int FlowRate, IReadOnlyList<ApplyBenchRow> Rows);

/// <summary>One change under one kind of flow, in seconds.</summary>
/// <param name="Flow">Kind of the traffic.</param>
/// <param name="Change"><c>apply</c>: from the return of the API write to the first packet on the fast path; <c>delete</c>: to the last.</param>
/// <param name="GoalSeconds">What the slowest should stay below.</param>
/// <param name="Samples">One for each round.</param>
public sealed record ApplyBenchRow(string Flow, string Change, double GoalSeconds, IReadOnlyList<double> Samples)
{
    public double Min => Samples.Min();

    public double Median => Statistics.Median(Samples);

    public double Max => Samples.Max();
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApplyBenchResult))]
internal sealed partial class ApplyBenchJson : JsonSerializerContext;
