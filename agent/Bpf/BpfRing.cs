using System.Runtime.InteropServices;

namespace OnCache.Agent.Bpf;

/// <summary>
/// A ring that programs fill and one reader empties (BPF_MAP_TYPE_RINGBUF), mapped into the process. Records stand in the order in which
/// room was taken for them; one that is still being written holds up those behind it.
/// </summary>
internal sealed unsafe class BpfRing<TRecord> : IDisposable
    where TRecord : unmanaged
{
    private const uint Busy = 1u << 31;
    private const uint Discarded = 1u << 30;
    private const int HeaderLength = 8;

    private readonly int _size;
    private readonly nuint _page;
    private byte* _consumer;
    private byte* _producer;

    /// <param name="octets">The ring's size, a power of two.</param>
    public BpfRing(string name, int fd, int octets, IKernelSteps steps)
    {
        _size = octets;
        _page = (nuint)Environment.SystemPageSize;
        _consumer = Map(name, fd, _page, Interop.Libc.PROT_READ | Interop.Libc.PROT_WRITE, 0, steps);
        try
        {
            // The data lie twice behind each other, so that a record at the end need not be put together.
            _producer = Map(name, fd, _page + 2 * (nuint)octets, Interop.Libc.PROT_READ, (long)_page, steps);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Takes the oldest record; false where there is none, or where it is still being written.</summary>
    public bool TryTake(out TRecord record)
    {
        record = default;
        ref var consumed = ref *(ulong*)_consumer;
        while (consumed < Volatile.Read(ref *(ulong*)_producer))
        {
            var header = _producer + _page + (consumed & (ulong)(_size - 1));
            var length = Volatile.Read(ref *(uint*)header);
            if ((length & Busy) != 0)
            {
                return false;
            }

            var octets = (int)(length & ~Discarded);
            var isRecord = (length & Discarded) == 0 && octets >= sizeof(TRecord);
            if (isRecord)
            {
                record = MemoryMarshal.Read<TRecord>(new ReadOnlySpan<byte>(header + HeaderLength, octets));
            }

            Volatile.Write(ref consumed, consumed + (ulong)(octets + HeaderLength + 7 & ~7));
            if (isRecord)
            {
                return true;
            }
        }

        return false;
    }

    public void Dispose()
    {
        if (_consumer is not null)
        {
            _ = Interop.Libc.munmap(_consumer, _page);
            _consumer = null;
        }

        if (_producer is not null)
        {
            _ = Interop.Libc.munmap(_producer, _page + 2 * (nuint)_size);
            _producer = null;
        }
    }

    private static byte* Map(string name, int fd, nuint length, int protection, long offset, IKernelSteps steps)
    {
        void* mapped = null;
        _ = steps.Do($"map {name}", () =>
        {
            mapped = Interop.Libc.mmap(null, length, protection, Interop.Libc.MAP_SHARED, fd, offset);
            return (nint)mapped == -1 ? -Marshal.GetLastPInvokeError() : 0;
        });
        return (byte*)mapped;
    }
}
