namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>A text that arrives in pieces.</summary>
internal sealed class ChunkedStream(byte[] text, int chunk) : MemoryStream(text)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
}
