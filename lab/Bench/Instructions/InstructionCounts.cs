using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Bench.Instructions;

/// <summary>Instructions per transaction, the whole machine's: both sides, both nodes and the kernel between them.</summary>
/// <param name="Schema">Of this file.</param>
/// <param name="Kernel">Under which they were counted.</param>
/// <param name="Runtime">Version of .NET that ran the traffic.</param>
/// <param name="PerTransaction">By kind of traffic, then by path.</param>
public sealed record InstructionCounts(int Schema, string Kernel, string Runtime, IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> PerTransaction)
{
    public const int CurrentSchema = 1;

    /// <exception cref="LabException">There is no such file, or it is none of ours.</exception>
    public static InstructionCounts Read(string path)
    {
        var counts = JsonFile.Read(path, CountsJson.Default.InstructionCounts, "counts of instructions");
        return counts is { Schema: CurrentSchema, PerTransaction: not null }
            ? counts
            : throw new LabException($"{path}: schema '{counts?.Schema}' is not {CurrentSchema}: count again with this version");
    }

    /// <summary>Replaces the file in one step.</summary>
    public void Write(string path) => JsonFile.Write(path, this, CountsJson.Readable.InstructionCounts);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InstructionCounts))]
internal sealed partial class CountsJson : JsonSerializerContext
{
    /// <summary>Versions of kernels have a plus sign, which is left as it is.</summary>
    public static CountsJson Readable { get; } = new(new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
