using System.Text.Json;
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
        BenchResult? result;
        try
        {
            result = JsonSerializer.Deserialize(File.ReadAllText(path), BenchJson.Default.BenchResult);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"{path}: cannot be read: {exception.Message}", exception);
        }
        catch (JsonException exception)
        {
            throw new LabException($"{path}: not a result of 'oncache-lab bench': {exception.Message}", exception);
        }

        return result is { Schema: CurrentSchema, Measurements: not null }
            ? result
            : throw new LabException($"{path}: schema '{result?.Schema}' is not {CurrentSchema}: measure again with this version");
    }

    /// <summary>Replaces the file in one step.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var draft = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllText(draft, JsonSerializer.Serialize(this, BenchJson.Default.BenchResult) + "\n");
        File.Move(draft, path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BenchResult))]
internal sealed partial class BenchJson : JsonSerializerContext;
