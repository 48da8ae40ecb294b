using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OnCache.Lab.Bench.Results;

/// <summary>Figures in a file.</summary>
internal static class JsonFile
{
    /// <param name="what">Completes "not ...", for a file of something else.</param>
    /// <exception cref="LabException">There is no such file, or it is none of ours.</exception>
    public static T? Read<T>(string path, JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), type);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"{path}: cannot be read: {exception.Message}", exception);
        }
        catch (JsonException exception)
        {
            throw new LabException($"{path}: not {what}: {exception.Message}", exception);
        }
    }

    /// <summary>Replaces the file in one step.</summary>
    public static void Write<T>(string path, T figures, JsonTypeInfo<T> type)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var draft = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllText(draft, JsonSerializer.Serialize(figures, type) + "\n");
        File.Move(draft, path, overwrite: true);
    }
}
