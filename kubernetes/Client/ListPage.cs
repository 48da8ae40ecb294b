using System.IO.Pipelines;
using System.Text.Json;

namespace OnCache.Kubernetes.Client;

/// <summary>One answer to a list request.</summary>
internal sealed record ListPage<T>(ListPageMeta Metadata, IReadOnlyList<T> Items)
{
    private static readonly StreamPipeReaderOptions Options = new(bufferSize: 64 << 10, leaveOpen: true);

    /// <summary>Reads an answer, one object after the other; the text of the others is not held.</summary>
    /// <exception cref="JsonException">It is no list, or an object of it cannot be read.</exception>
    public static async ValueTask<ListPage<T>> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        var parser = new ListParser<T>();
        var reader = PipeReader.Create(body, Options);
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(cancellationToken);
                var consumed = parser.Read(result.Buffer, result.IsCompleted);
                reader.AdvanceTo(consumed, result.Buffer.End);
                if (result.IsCompleted)
                {
                    return new ListPage<T>(parser.Metadata, parser.Items);
                }
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }
}

/// <summary>The head of a list.</summary>
internal sealed record ListPageMeta
{
    public string ResourceVersion { get; init; } = string.Empty;

    public string? Continue { get; init; }
}
