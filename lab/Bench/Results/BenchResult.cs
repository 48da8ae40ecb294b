using System.Text.Json.Serialization;

namespace OnCache.Lab.Bench.Results;

/// <summary>Everything that a run has found, as it goes to the JSON file.</summary>
/// <param name="Schema">Of this file.</param>
/// <param name="Subject">What was measured: a suite's name, or <c>scale</c>.</param>
/// <param name="Began">When, UTC.</param>
/// <param name="Variants">Name and meaning of each.</param>
/// <param name="Gaps">What was asked for and could not be measured, one line each with the reason.</param>
public sealed record BenchResult(
    int Schema,
    string Subject,
    DateTimeOffset Began,
    double Seconds,
    int Rounds,
    double SliceSeconds,
    MachineFacts Machine,
    IReadOnlyDictionary<string, string> Variants,
    IReadOnlyList<string> Gaps,
    IReadOnlyList<Measurement> Measurements)
{
    public const int CurrentSchema = 1;

    /// <exception cref="LabException">There is no such file, or it is none of ours.</exception>
    public static BenchResult Read(string path)
    {
        var result = JsonFile.Read(path, BenchJson.Default.BenchResult, "a result of 'oncache-lab bench'");
        return result is { Schema: CurrentSchema, Measurements: not null }
            ? result
            : throw new LabException($"{path}: schema '{result?.Schema}' is not {CurrentSchema}: measure again with this version");
    }

    /// <summary>Replaces the file in one step.</summary>
    public void Write(string path) => JsonFile.Write(path, this, BenchJson.Default.BenchResult);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BenchResult))]
internal sealed partial class BenchJson : JsonSerializerContext;
